"""Figures and widgets: matplotlib inline, ipywidgets, tqdm."""

from fidelity.books.book import Book, fails, shows

FIGURES = Book(
    behaviours={
        "a figure without %matplotlib": shows("import matplotlib.pyplot as plt", "plt.plot([1, 2, 3]);"),
        "the backend": shows("import matplotlib\nmatplotlib.get_backend()"),
        "%matplotlib inline": shows("%matplotlib inline", "lines = plt.plot([3, 1, 2])"),
        "a title after the plot": shows("plt.figure(figsize=(2, 1))\nplt.title('t')\nplt.plot([1]);\nprint('printed')"),
        "plt.show among prints": shows("print('a'); plt.plot([1, 2]); plt.show(); print('b')"),
        "two figures": shows("f, a = plt.subplots(figsize=(1, 1)); g, b = plt.subplots(figsize=(1, 1))"),
        "a figure as a result": shows("f = plt.figure(figsize=(1, 1)); plt.close(f); f"),
        "a figure that is displayed": shows("f = plt.figure(figsize=(1, 1)); plt.close(f)\ndisplay(f)"),
        "figure formats": shows(
            "%config InlineBackend.figure_formats = ['svg']",
            "plt.figure(figsize=(1, 1));",
            "%config InlineBackend.figure_formats = ['png']",
        ),
        "savefig": shows(
            "f = plt.figure(figsize=(1, 1)); f.savefig('f.png'); plt.close(f)\nimport os; os.path.getsize('f.png') > 100"
        ),
        "a figure and a failure": shows(fails("plt.plot([1]); 1 / 0")),
        "rcParams": shows("plt.rcParams['figure.dpi'], plt.rcParams['figure.facecolor']"),
        "numpy": shows("import numpy as np\nnp.arange(12).reshape(3, 4)", "np.float64(1.5), np.array(['a'])"),
        "another GUI": shows(fails("%matplotlib qt")),
    },
)

WIDGETS = Book(
    alone=True,
    behaviours={
        "a slider": shows("import ipywidgets as w\nslider = w.IntSlider(value=3, description='n')\nslider"),
        "a slider that is displayed": shows("display(slider)"),
        "a value that changes": shows("slider.value = 7\nslider.value"),
        "boxes": shows("w.HBox([w.Label('a'), w.Button(description='b')])"),
        "observe": shows("slider.observe(lambda change: print('was', change['old']), 'value')\nslider.value = 9"),
        "link": shows("other = w.IntText()\nl = w.link((slider, 'value'), (other, 'value'))\nother.value"),
        "interact": shows("i = w.interact(lambda x: x * 2, x=5)"),
        "interactive's result": shows("inter = w.interactive(lambda x: print('x is', x), x=3)\ninter"),
        "a widget's repr": shows("print(slider)", "repr(w.Label('a'))"),
        "an Output widget": shows(
            "out = w.Output()\nwith out:\n    print('inside')\n    display('shown inside')\nprint('outside')", "out"
        ),
        "an Output widget over cells": shows("with out:\n    print('more')", "print(len(out.outputs))"),
        "an Output widget that is cleared": shows(
            "out.clear_output()\nwith out:\n    print('only this')", "out.outputs"
        ),
        "capture": shows("@out.capture()\ndef captured(): print('by a decorator')\ncaptured()\nprint('told')"),
        "an error in an Output widget": shows("with out:\n    1 / 0\nprint('goes on')"),
        "append_stdout": shows("out2 = w.Output()\nout2.append_stdout('appended')\nout2"),
        "an image widget": shows("w.Image(value=b'\\x89PNG', format='png')"),
        "tqdm": shows(
            "from tqdm import tqdm\nimport sys\nfor n in tqdm(range(3), file=sys.stdout, bar_format='{n}/{total}'): pass"
        ),
        "tqdm.auto": shows(
            "from tqdm.auto import tqdm as auto\nfor n in auto(range(3), bar_format='{n}/{total}'): pass"
        ),
        "tqdm.notebook": shows("from tqdm.notebook import tqdm as nb\nfor n in nb(range(3)): pass"),
        "comms": shows(
            "from comm import create_comm\nc = create_comm(target_name='mine', data={'a': 1})\nc.send({'b': 2})\nlen(c.comm_id)"
        ),
        "a widget that is closed": shows("slider.close()"),
        "kernel": shows("hasattr(get_ipython(), 'kernel')"),
        "the parent message": shows("sorted(get_ipython().kernel.get_parent()['header'])[:2]"),
    },
)
