"""Magics, shells, help: IPython's language beside Python."""

from fidelity.books.book import Book, fails, shows

MAGICS = Book(
    behaviours={
        "!command": shows("!echo from a shell"),
        "!command with a variable": shows("word = 'w'\n!echo $word {word * 2} $$HOME_NOT"),
        "!command that fails": shows("!exit 3", "_exit_code"),
        "!command's stderr": shows("!echo to stderr >&2"),
        "!command into a name": shows("lines = !echo a; echo b\nlines.n, lines.l, lines.s"),
        "!!command": shows("!!echo a; echo b"),
        "%system": shows("%system echo a"),
        "%%bash": shows("%%bash\necho a\necho b >&2"),
        "%%bash into names": shows("%%bash --out taken --err failed\necho a; echo b >&2", "taken, failed"),
        "%%bash that fails": shows(fails("%%bash\necho before\nexit 4")),
        "%%sh": shows("%%sh\necho sh"),
        "%%script": shows("%%script python3\nprint(6 * 7)"),
        "%%python": shows("%%python\nprint('another python')"),
        "%%capture": shows("%%capture held\nprint('a')\ndisplay(1)\n2", "held.stdout, len(held.outputs)", "held()"),
        "%%capture without a name": shows("%%capture\nprint('a')"),
        "%time": shows("%time x = sum(range(10))", "%time 6 * 7"),
        "%%time": shows("%%time\nprint('timed')\n6 * 7"),
        "%timeit": shows("%timeit -n1 -r1 -q 1 + 1", "r = %timeit -n1 -r1 -q -o 1 + 1\ntype(r).__name__"),
        "%%writefile": shows(
            "%%writefile written.py\nVALUE = 9\nprint('ran as', __name__)", "%%writefile -a written.py\nMORE = 1"
        ),
        "%run": shows("%run written.py", "VALUE, MORE"),
        "%run of a script that exits": shows(
            "%%writefile ends.py\nimport sys\nprint('ends'); sys.exit(0)", "%run ends.py"
        ),
        "%load": shows("%load written.py"),
        "%env": shows(
            "%env FIDELITY_A=1", "%env FIDELITY_A", "import os\nos.environ['FIDELITY_A']", "!echo $$FIDELITY_A"
        ),
        "%set_env": shows("%set_env FIDELITY_B=2"),
        "%cd and %pwd": shows(
            "import os; os.makedirs('sub', exist_ok=True)",
            "%cd sub",
            "os.path.basename(os.getcwd()), os.path.basename(_dh[-1])",
            "%cd ..",
            "%pwd",
        ),
        "os.chdir": shows("os.chdir('sub'); os.path.basename(os.getcwd())", "!basename $PWD", "os.chdir('..')"),
        "%ls": shows("%ls sub"),
        "%who and %whos": shows("%who str", "%whos str", "%who_ls int"),
        "%reset": shows("gone = 1", "%reset -f", "'gone' in globals(), 'get_ipython' in globals()"),
        "%xdel": shows("gone = 1\n%xdel gone", "'gone' in globals()"),
        "%lsmagic": shows("type(get_ipython().run_line_magic('lsmagic', '')).__name__"),
        "%magic names": shows(
            "sorted(get_ipython().magics_manager.magics['line'])", "sorted(get_ipython().magics_manager.magics['cell'])"
        ),
        "%alias": shows("%alias say echo said", "%say something"),
        "%macro and %history": shows("'one of history'", "%history -n -l 1"),
        "%recall": shows("%rerun -l 1"),
        "%prun": shows("%prun -q -T prof.txt sum(range(9))", "import os\nos.path.exists('prof.txt')"),
        "%pinfo": shows("def documented(a, b=2):\n    'Says it.'\n    return a", "documented?", "documented??"),
        "help of a builtin": shows("len?"),
        "help of nothing": shows("nowhere?"),
        "a search by ?": shows("*ocument*?"),
        "help()": shows("help(documented)"),
        "%pdoc, %psource, %pdef": shows("%pdoc documented", "%psource documented", "%pdef documented"),
        "%pycat": shows("%%writefile cat.py\nx = 1", "%pycat cat.py"),
        "page": shows("from IPython.core.page import page\npage('paged')"),
        "%autosave and front end magics": shows(fails("%autosave 10")),
        "%config": shows("%config ZMQInteractiveShell.ast_node_interactivity"),
        "%colors": shows("%colors nocolor", fails("1 / 0"), "%colors neutral"),
        "%xmode": shows("%xmode Minimal", fails("1 / 0"), "%xmode Context"),
        "%pprint": shows("%pprint", "%pprint"),
        "%automagic": shows("%automagic"),
        "%pip's guard": shows("%pip --version"),
        "%load_ext": shows(
            "%%writefile ext.py\ndef load_ipython_extension(ip): ip.push({'loaded': 5})", "%load_ext ext", "loaded"
        ),
        "%autoreload": shows("%load_ext autoreload", "%autoreload 0"),
        "a magic of the notebook's": shows(
            "from IPython.core.magic import register_line_magic, register_cell_magic\n@register_line_magic\ndef double(line): return line * 2\n@register_cell_magic\ndef shout(line, cell): print(cell.upper())",
            "%double ab",
            "%%shout\nquiet",
        ),
        "an unknown magic": shows(fails("%nothing_like_it"), fails("%%nothing_like_it\n1")),
        "an unknown line in a cell of Python": shows(
            "ip = get_ipython()\nip.run_line_magic('time', '1')", fails("ip.run_line_magic('nope', '')")
        ),
        "run_cell": shows("r = get_ipython().run_cell('print(1)\\n2')\nr.result"),
        "push and ev": shows("get_ipython().push({'p': 4}); get_ipython().ev('p + 1')"),
        "set_next_input": shows("get_ipython().set_next_input('x = 1')"),
        "input transformers": shows(
            "get_ipython().input_transformers_post.append(lambda lines: [l.replace('§', '40 + ') for l in lines])",
            "§2",
            "get_ipython().input_transformers_post.pop(); None",
        ),
        "events of the shell": shows(
            "seen = []\nget_ipython().events.register('pre_run_cell', lambda info: seen.append(info.raw_cell))\nget_ipython().events.register('post_run_cell', lambda r: seen.append(r.success))",
            "'x'",
            "seen",
        ),
        "get_ipython's kind": shows("type(get_ipython()).__name__, get_ipython().__module__"),
        "kernel": shows("hasattr(get_ipython(), 'kernel')"),
        "IPython's instance": shows(
            "from IPython import get_ipython as g\nfrom IPython.core.interactiveshell import InteractiveShell\ng() is get_ipython(), InteractiveShell.initialized()"
        ),
        "a percent in Python": shows("x = 7\nx %2"),
        "cells that end in a comment": shows("5 # five"),
        "a cell of many dedents": shows("    x = 1\n    x"),
        "a doctest prompt": shows(">>> x = 3\n>>> x"),
        "a cell that was indented by a paste": shows("if True:\n\tx = 1\n\nelse:\n\tx = 2\nx"),
        "environment of a notebook": shows(
            "[os.environ.get(n) for n in ('TERM', 'PAGER', 'GIT_PAGER', 'CLICOLOR', 'FORCE_COLOR', 'MPLBACKEND')] if (os := __import__('os')) else 0"
        ),
        "sys.argv and __file__": shows("'__file__' in globals(), __name__, __builtins__.__name__"),
        "globals": shows("sorted(n for n in globals() if n.startswith('__'))"),
        "sys.path begins here": shows("import sys\n'' in sys.path"),
        "a module beside": shows("open('beside.py', 'w').write('n = 9\\n'); import beside\nbeside.n"),
        "input()": shows(fails("input('name? ')")),
        "getpass": shows(fails("import getpass\ngetpass.getpass()")),
        "sys.stdin": shows("sys.stdin.read()"),
        "a debugger": shows(fails("breakpoint()")),
        "%debug without a traceback": shows(fails("import pdb; pdb.set_trace()")),
    },
)
