"""Text: what cells print, by every way that a process has."""

from fidelity.books.book import Book, shows

PIPE = "ipykernel reads fds 1 and 2 on a thread of its own, whose lines meet `print`'s in any order"

STREAMS = Book(
    fast=True,
    behaviours={
        "print": shows("print('a'); print('b', end=''); print('c', 'd', sep='|')"),
        "print without a newline, over cells": shows("print('one', end='')", "print('two', end='')"),
        "stderr": shows("import sys\nprint('a', file=sys.stderr)"),
        "stdout and stderr in turn": shows(
            "import sys\nfor n in range(3):\n    print('out', n, flush=True)\n    print('err', n, file=sys.stderr, flush=True)"
        ),
        "carriage returns": shows("for n in range(3): print('\\r%d%%' % (n * 50), end='')\nprint()"),
        "backspaces and bells": shows("print('ab\\b\\bcd\\a')"),
        "ANSI colours": shows("print('\\x1b[31mred\\x1b[0m')"),
        "unicode": shows("print('žluťoučký 日本語 🦉 e\\u0301 \\u200f')"),
        "NUL and control characters": shows("print('a\\x00b\\x0bc\\x1fd')"),
        "line separators": shows("print('a\\u2028b\\x85c\\x0cd')"),
        "an empty print": shows("print()"),
        "a long line": shows("print('x' * 10_000)"),
        "many lines": shows("for n in range(2000): print(n)"),
        "os.write": shows("import os\nn = os.write(1, b'raw\\n')", racing=PIPE),
        "os.write to stderr": shows("n = os.write(2, b'raw err\\n')", racing=PIPE),
        "os.write between prints": shows(
            "print('a', flush=True); n = os.write(1, b'b\\n'); print('c', flush=True)", racing=PIPE
        ),
        "subprocess": shows("import subprocess\np = subprocess.run(['echo', 'from a child'], check=True)", racing=PIPE),
        "subprocess between prints": shows(
            "print('a', flush=True); p = subprocess.run(['echo', 'b']); print('c', flush=True)", racing=PIPE
        ),
        "subprocess to sys.stdout": shows("p = subprocess.run(['echo', 'led'], stdout=sys.stdout)", racing=PIPE),
        "os.system": shows("status = os.system('echo a; echo b >&2')", racing=PIPE),
        "C's stdio": shows(
            "import ctypes\nlibc = ctypes.CDLL(None)\nn = libc.puts(b'from C'), libc.fflush(None)", racing=PIPE
        ),
        "sys.__stdout__": shows("print('first stream', file=sys.__stdout__, flush=True)", racing=PIPE),
        "sys.stdout.write's answer": shows("sys.stdout.write('four')"),
        "write of what is no text": shows(
            "try:\n    sys.stdout.write(b'bytes')\nexcept TypeError as error:\n    print(type(error).__name__)"
        ),
        "writelines": shows("sys.stdout.writelines(['a\\n', 'b\\n'])"),
        "stdout's attributes": shows(
            "sys.stdout.encoding, sys.stdout.isatty(), sys.stdout.writable(), sys.stdout.closed"
        ),
        "redirect_stdout": shows(
            "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as held: print('held')\nheld.getvalue()"
        ),
        "stdout that is replaced": shows(
            "kept, sys.stdout = sys.stdout, io.StringIO()\nprint('lost')\nsys.stdout = kept\nprint('back')"
        ),
        "logging": shows(
            "import logging\nlogging.warning('careful')\nlogging.getLogger('mine').error('bad')\nlogging.info('unseen')"
        ),
        "logging to stdout": shows(
            "log = logging.getLogger('out'); log.addHandler(logging.StreamHandler(sys.stdout))\nlog.propagate = False\nlog.setLevel('INFO'); log.info('seen')"
        ),
        "a warning": shows("import warnings\nwarnings.warn('mind the gap')"),
        "a warning that is told once": shows("for n in range(2): warnings.warn('once')"),
        "a deprecation in the notebook": shows("warnings.warn('old', DeprecationWarning)"),
        "a warning of the compiler": shows("x = '\\d'"),
        "pprint": shows("import pprint\npprint.pprint({'k' + str(n): list(range(9)) for n in range(6)})"),
        "print of a lone surrogate": shows("print('a\\ud800b'.encode('utf-8', 'replace').decode())"),
    },
)
