"""What is around the text of a paper: a preamble, the first pages of the book, a bibliography."""

import html
import re
from importlib.metadata import version

from weave import tikz
from weave.book import Book
from weave.export import environment, escaped, optional

PREAMBLE = r"""\documentclass[11pt]{@class}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[a4paper,margin=28mm]{geometry}
\usepackage{lmodern,microtype,amsmath,amssymb,amsthm,graphicx,longtable,booktabs,array}
\usepackage{listings,etoolbox}
\usepackage[font=small,labelfont=bf,labelsep=period]{caption}
\usepackage[hidelinks]{hyperref}
\emergencystretch=2em
\setcounter{topnumber}{3}\renewcommand{\topfraction}{0.9}\renewcommand{\textfraction}{0.08}
\renewcommand{\floatpagefraction}{0.85}
\numberwithin{equation}{@level}\numberwithin{figure}{@level}
\newtheorem{theorem}{Theorem}[@level]
\newtheorem{lemma}[theorem]{Lemma}
\newtheorem{proposition}[theorem]{Proposition}
\newtheorem{corollary}[theorem]{Corollary}
\theoremstyle{definition}
\newtheorem{definition}[theorem]{Definition}
\newtheorem{remark}[theorem]{Remark}
\newtheorem{exercise}{Exercise}[@level]
\newtheorem{wrong}{Wrong turn}[@level]
\theoremstyle{remark}
\newtheorem*{solution}{Solution}
\lstset{basicstyle=\ttfamily\footnotesize,columns=fullflexible,keepspaces=true,breaklines=true,
  breakindent=2em,postbreak=\hbox{$\hookrightarrow$ },upquote=true,frame=leftline,xleftmargin=1em,
  aboveskip=1em,belowskip=1em}
\makeatletter
\let\@cite@ofmt\@firstofone % names of authors may break
\newif\ifnamed % a heading or a name stays with the listing below it
\newcommand{\named}[1]{\par\if@nobreak\else\addvspace{\medskipamount}\fi
  \noindent\texttt{#1}\par\nobreak\global\namedtrue}
\patchcmd{\lst@Init}{\par\penalty-50\relax}
  {\par\ifnamed\nobreak\else\if@nobreak\else\penalty-50\fi\fi\global\namedfalse}{}{}
\makeatother
"""

LEVELS = {"article": "section", "report": "chapter"}  # what is numbered, by class
BOOK = r"""\usepackage{pdflscape}
\setcounter{secnumdepth}{0}\setcounter{tocdepth}{0}\hypersetup{bookmarksdepth=1}
\newcommand{\unnumbered}[1]{\chapter*{#1}\markright{\MakeUppercase{#1}}\addcontentsline{toc}{chapter}{#1}}
\pagestyle{headings}
\makeatletter\renewcommand*{\l@chapter}{\@dottedtocline{0}{0em}{1.8em}}\makeatother
"""
LANDSCAPE = "\\newgeometry{margin=20mm}\n\\begin{landscape}\n@\n\\end{landscape}\n\\restoregeometry"


def document(book: Book, parts: list[str], keys: set[str], more: str = "", kind: str = "article") -> str:
    """A document of a class: what all need, `more` of a preamble, the parts, and what they cite."""
    body = "\n\n".join(parts)
    drawings = tikz.preamble() if "\\begin{tikzpicture}" in body else ""
    preamble = PREAMBLE.replace("@class", kind).replace("@level", LEVELS[kind])
    end = f"{bibliography(book, keys, kind)}\\end{{document}}\n"
    return f"{preamble}{drawings}{more}\\begin{{document}}\n{body}\n\n{end}"


def bibliography(book: Book, keys: set[str], kind: str) -> str:
    """The works of these keys; of a book they are a chapter."""
    entries = "\n".join(
        f"\\bibitem{optional(book.bibliography.cited_as(key))}{{{key}}} {entry(book, key)}"
        for key in sorted(keys)
    )
    if not keys:
        return ""
    heading = "\\clearpage\\phantomsection\\addcontentsline{toc}{chapter}{Bibliography}\n"
    listed = environment("thebibliography", entries, "{99}") + "\n"
    return heading * (kind == "report") + listed


def entry(book: Book, key: str) -> str:
    """An entry of the bibliography as LaTeX."""
    plain = re.sub(r"<em>(.*?)</em>", "\ue000\\1\ue001", book.bibliography.printed(key))
    text = escaped(html.unescape(re.sub(r"<[^>]*>", "", plain)))
    return text.replace("\ue000", r"\emph{").replace("\ue001", "}")


def front(book: Book) -> str:
    """The title page, and the contents."""
    about = (book.config.get(name) or "" for name in ("site_description", "site_url"))
    below = "".join(f"\\par\\bigskip\n{{\\large {escaped(line)}}}" for line in about if line)
    return (
        f"\\title{{\\Huge {escaped(book.config['site_name'])}{below}}}\n"
        f"\\author{{{escaped(book.config.get('site_author') or '')}}}\n"
        f"\\date{{Version {version('mlp')}}}\n\\maketitle\n\\tableofcontents"
    )
