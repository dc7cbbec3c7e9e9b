"""What `python -m mlp` runs."""

import sys

from mlp.command import main

sys.exit(main())
