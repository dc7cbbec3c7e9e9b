"""The machinery of the site: what turns pages and source into a book."""
