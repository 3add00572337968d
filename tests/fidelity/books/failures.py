"""Failures: tracebacks of many kinds, each in a cell that is allowed to raise."""

from fidelity.books.book import Book, fails, shows

MODULE = "def deep(n):\n    if n:\n        return deep(n - 1)\n    raise LookupError('in a module')\n"

FAILURES = Book(
    files={"failing.py": MODULE, "broken.py": "def f(:\n    pass\n"},
    behaviours={
        "an exception": shows(fails("print('before')\n1 / 0\nprint('after')")),
        "in a function": shows(
            fails("def f(x):\n    y = x\n    return g(y)\ndef g(y):\n    raise ValueError(f'bad {y}')\nf(3)")
        ),
        "over cells": shows("def over():\n    # a comment\n    raise KeyError('over')", fails("over()")),
        "in a module": shows(fails("import failing\nfailing.deep(2)")),
        "in a library": shows(fails("import json\njson.loads('{')")),
        "chained by from": shows(
            fails("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise RuntimeError('because') from error")
        ),
        "chained while handling": shows(fails("try:\n    1 / 0\nexcept ZeroDivisionError:\n    {}['k']")),
        "from None": shows(
            fails("try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise RuntimeError('alone') from None")
        ),
        "an exception group": shows(fails("raise ExceptionGroup('several', [ValueError(1), TypeError('two')])")),
        "a nested group": shows(
            fails("def f():\n    raise ExceptionGroup('outer', [ExceptionGroup('inner', [OSError(2, 'no')])])\nf()")
        ),
        "notes": shows(
            fails("error = ValueError('noted')\nerror.add_note('first note')\nerror.add_note('second')\nraise error")
        ),
        "a syntax error": shows(fails("x = = 1")),
        "an unfinished line": shows(fails("x = (1,")),
        "an unfinished text": shows(fails("x = 'abc")),
        "an indentation error": shows(fails("if True:\nx = 1")),
        "a tab error": shows(fails("if True:\n        x = 1\n\ty = 2")),
        "return outside": shows(fails("return 1")),
        "a syntax error in a module": shows(fails("import broken")),
        "a syntax error by exec": shows(fails("exec('a b')")),
        "an import that fails": shows(fails("import there_is_no_such_module")),
        "a name that is unknown": shows(fails("unknown_name")),
        "a name that is nearly known": shows(fails("import math\nmath.sqr")),
        "recursion": shows(fails("def r(n): return r(n + 1)\nr(0)")),
        "an assert": shows(fails("assert 1 == 2, 'not equal'")),
        "an assert without words": shows(fails("assert []")),
        "a class of the notebook's": shows(fails("class Mine(Exception):\n    pass\nraise Mine('x', 2)")),
        "an exception without words": shows(fails("raise ValueError")),
        "words of many lines": shows(fails("raise ValueError('one\\ntwo\\n  three')")),
        "words of unicode": shows(fails("raise ValueError('žluť 🦉')")),
        "long words": shows(fails("raise ValueError('x' * 5000)")),
        "__str__ that fails": shows(fails("class E(Exception):\n    def __str__(self): return 1 / 0\nraise E")),
        "_render_traceback_": shows(
            fails("class R(Exception):\n    def _render_traceback_(self): return ['my own', 'lines']\nraise R('r')")
        ),
        "a custom handler": shows(
            "def handler(shell, etype, evalue, tb, tb_offset=None): print('handled', etype.__name__)\nget_ipython().set_custom_exc((LookupError,), handler)",
            fails("{}['k']"),
            "get_ipython().set_custom_exc((), None)",
        ),
        "an await that fails": shows(
            fails(
                "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    raise KeyError('awaited')\nawait f()"
            )
        ),
        "gather that fails": shows(
            fails("async def g(n):\n    if n: raise ValueError(n)\nawait asyncio.gather(g(0), g(1))")
        ),
        "a task group that fails": shows(
            fails("async with asyncio.TaskGroup() as group:\n    t = group.create_task(g(1))")
        ),
        "a timeout": shows(fails("async with asyncio.timeout(0.01):\n    await asyncio.sleep(5)")),
        "a subprocess that fails": shows(fails("import subprocess\nsubprocess.run(['false'], check=True)")),
        "in a comprehension": shows(fails("[1 / n for n in (1, 0)]")),
        "in a generator": shows(fails("def gen():\n    yield 1\n    raise OSError(5, 'gone')\nlist(gen())")),
        "in a lambda": shows(fails("(lambda: undefined_here)()")),
        "in a decorated function": shows(
            fails("import functools\n@functools.cache\ndef c(): raise ValueError('cached')\nc()")
        ),
        "in a property": shows(fails("class Q:\n    @property\n    def p(self): raise AttributeError('p')\nQ().p")),
        "in __repr__": shows(fails("class W:\n    def __repr__(self): raise ValueError('no repr')\nW()")),
        "in a thread": shows(
            "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='worker'); t.start(); t.join()"
        ),
        "traceback.print_exc": shows(
            "import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc()"
        ),
        "logging.exception": shows(
            "import logging\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('logged')"
        ),
        "sys.last_value": shows("import sys\nprint(type(sys.last_value).__name__)"),
        "sys.exc_info after": shows("sys.exc_info()"),
        "%tb": shows("%tb"),
        "an error and a display": shows(fails("display('shown'); print('told'); 1 / 0")),
        "SystemExit": shows(fails("import sys\nsys.exit('with words')")),
        "SystemExit with a number": shows(fails("sys.exit(3)")),
        "SystemExit without": shows(fails("raise SystemExit")),
        "GeneratorExit": shows(fails("raise GeneratorExit('g')")),
        "a BaseException": shows(fails("class B(BaseException): pass\nraise B('base')")),
        "StopIteration": shows(fails("next(iter([]))")),
        "a warning as an error": shows(
            fails(
                "import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('error')\n    warnings.warn('strict')"
            )
        ),
        "a unicode error": shows(fails("b'\\xff'.decode()")),
        "a line of many columns": shows(fails("x = " + " + ".join(f"a{n}" for n in range(40)))),
        "the last cell fails": shows(
            "print('still here')",
            "%xmode Plain",
            fails("def f(): g()\ndef g(): 1 / 0\nf()"),
            "%xmode Verbose",
            fails("f()"),
            "%xmode Context",
        ),
    },
)
