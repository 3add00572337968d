"""Displays: results, rich representations, updates, clears."""

from fidelity.books.book import Book, code, fails, shows

PNG = "import base64\nPNG = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')\n"
TABLE = """class Frame:
    def __init__(self, rows): self.rows = rows
    def __repr__(self): return '\\n'.join(' '.join(map(str, row)) for row in self.rows)
    def _repr_html_(self):
        body = ''.join('<tr>' + ''.join(f'<td>{cell}</td>' for cell in row) + '</tr>' for row in self.rows)
        return f'<div><style scoped>.dataframe tbody tr th {{}}</style><table border="1" class="dataframe">{body}</table></div>'
Frame([(1, 'a'), (2, 'b')])"""
MARKDOWN = {
    "cell_type": "markdown",
    "source": "# A picture\n![p](attachment:p.png)",
    "metadata": {"collapsed": True},
    "attachments": {"p.png": {"image/png": "iVBORw0KGgo="}},
}
RAW = {"cell_type": "raw", "source": "raw *text*", "metadata": {"format": "text/restructuredtext"}}

DISPLAYS = Book(
    fast=True,
    behaviours={
        "a result": shows("6 * 7"),
        "no result after a semicolon": shows("6 * 7;"),
        "only the last expression": shows("1\n2"),
        "None is no result": shows("None"),
        "an assignment is no result": shows("a = 1"),
        "_ and __": shows("11", "_ + 1", "__"),
        "Out and In": shows("5", "Out[max(Out)], In[-2]"),
        "_i and _ih": shows("_i, len(_ih) == len(In)"),
        "a named result": shows("'n'", "_"),
        "a long list": shows("list(range(1500))"),
        "a nested dict": shows("{'a': [1, {'b': (2, {3})}], 'c' * 60: 'd' * 60}"),
        "a long text": shows("'x' * 3000"),
        "a class and a function": shows("class C: pass\ndef f(x, *, y=1): pass\nC, f, len"),
        "a lambda's repr": shows("lambda: 1"),
        "_repr_html_": shows("class H:\n    def _repr_html_(self): return '<b>hé</b>'\nH()"),
        "a table like pandas'": shows(TABLE),
        "_repr_png_": shows(PNG + "class P:\n    def _repr_png_(self): return PNG\nP()"),
        "_repr_markdown_ and latex": shows(
            "class M:\n    def __repr__(self): return 'M'\n    def _repr_markdown_(self): return '*m*'\n    def _repr_latex_(self): return '$m$'\nM()"
        ),
        "_repr_json_": shows("class J:\n    def _repr_json_(self): return {'a': [1, None, True, 1.5]}\nJ()"),
        "_repr_mimebundle_": shows(
            "class B:\n    def _repr_mimebundle_(self, include=None, exclude=None):\n        return {'text/plain': 'b', 'application/x+json': {'k': 1}}, {'text/plain': {'m': 2}}\nB()"
        ),
        "_repr_html_ with metadata": shows(
            "class H:\n    def _repr_html_(self): return '<i>', {'isolated': True}\nH()"
        ),
        "_repr_html_ that fails": shows(
            fails("class H:\n    def __repr__(self): return 'H'\n    def _repr_html_(self): return 1 / 0\nH()")
        ),
        "_repr_html_ that answers None": shows(
            "class H:\n    def __repr__(self): return 'H'\n    def _repr_html_(self): return None\nH()"
        ),
        "_ipython_display_": shows("class I:\n    def _ipython_display_(self): print('shows itself')\nI()"),
        "_repr_pretty_": shows("class Y:\n    def _repr_pretty_(self, p, cycle): p.text('pretty')\nY(), [Y()]"),
        "display of several": shows("display(1, 'two', [3])"),
        "display among prints": shows("print('a')\ndisplay('p')\nprint('b')\n'r'"),
        "display of a raw bundle": shows(
            "display({'text/plain': 'p', 'text/html': '<p>'}, raw=True, metadata={'k': 'v'})"
        ),
        "display's include and exclude": shows(
            "display(H(), exclude=['text/html'])\ndisplay(M(), include=['text/markdown'])"
        ),
        "IPython's display classes": shows(
            "from IPython.display import *\nfor thing in (HTML('<b>'), Markdown('*m*'), Latex('$x$'), Math('x'), SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>'), JSON({'a': 1}), Javascript('1'), Pretty('p')):\n    display(thing)"
        ),
        "an image": shows("Image(data=PNG, format='png', width=5)"),
        "an image that is embedded": shows("open('i.png', 'wb').write(PNG); Image('i.png')"),
        "an audio": shows("Audio(data=[0, 1, 0], rate=8000)"),
        "a frame and a link": shows("display(IFrame('x.html', 10, 20), FileLink('i.png'))"),
        "code with colours": shows("Code('x = 1', language='python')"),
        "a progress bar": shows("ProgressBar(3)"),
        "display's handle": shows("handle = display('one', display_id='mine')\nhandle.update('two')\nhandle"),
        "a fresh display id": shows("h = display(1, display_id=True)\nlen(h.display_id) == 32"),
        "update by another cell": shows(
            "shown = display({'text/plain': '0%'}, raw=True, display_id='progress')",
            "update_display({'text/plain': '100%'}, raw=True, display_id='progress')",
        ),
        "one id shown twice": shows(
            "display('x', display_id='twin')\ndisplay('x', display_id='twin')", "update_display('y', display_id='twin')"
        ),
        "update of an unknown id": shows("update_display('z', display_id='nobody')"),
        "clear_output": shows("print('a'); clear_output(); print('b')"),
        "clear_output that waits": shows("print('a'); clear_output(wait=True); print('b')"),
        "clear_output that waits for nothing": shows("print('kept'); clear_output(wait=True)"),
        "clear_output before a display": shows("display('gone'); clear_output(wait=True); display('there')"),
        "progress by clear_output": shows("for n in range(20):\n    clear_output(wait=True)\n    print('step', n)"),
        "a custom formatter": shows(
            "class T: pass\nget_ipython().display_formatter.formatters['text/html'].for_type(T, lambda t: '<t>')\nT()"
        ),
        "a plain-text formatter": shows(
            "get_ipython().display_formatter.formatters['text/plain'].for_type(T, lambda t, p, c: p.text('T!'))\nT()"
        ),
        "%precision": shows("%precision 3", "3.14159265", "%precision"),
        "a display hook of the notebook's": shows(
            "import sys\nold = sys.displayhook\nsys.displayhook = lambda v: print('hook', v)\n7",
            "sys.displayhook = old\n7",
        ),
        "ast_node_interactivity": shows(
            "get_ipython().ast_node_interactivity = 'all'", "1\n2", "get_ipython().ast_node_interactivity = 'last_expr'"
        ),
        "publish_display_data": shows(
            "from IPython.display import publish_display_data\npublish_display_data({'text/plain': 'p'}, {'a': 'b'})"
        ),
        "NaN in a JSON bundle": shows(
            "display({'application/json': {'n': 1.5, 'deep': [[[1]]]}, 'text/plain': 'n'}, raw=True)"
        ),
        "bytes in a bundle": shows("display({'image/png': PNG, 'text/plain': 'png'}, raw=True)"),
        "a display of 200 kB": shows("display({'text/plain': 'x' * 200_000}, raw=True)"),
        "an empty cell": shows("", "  \n\n", "# only a comment"),
        "markdown, raw, attachments": shows(MARKDOWN, RAW),
        "metadata of a cell": shows(code("1", "mine", "other", collapsed=True, custom={"a": [1]})),
        "a cell that is skipped": shows(code("print('never')", "skip-execution")),
        "%matplotlib without a figure": shows("%matplotlib inline"),
    },
)
