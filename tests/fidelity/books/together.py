"""Things that go on beside a cell: asyncio, threads, processes, ends."""

from fidelity.books.book import Book, shows
from fidelity.books.text import PIPE

CONCURRENT = Book(
    behaviours={
        "await": shows("import asyncio\nawait asyncio.sleep(0, 'done')"),
        "a running loop in a plain cell": shows("asyncio.get_running_loop().is_running()"),
        "asyncio.run in a cell": shows(
            "try:\n    asyncio.run(asyncio.sleep(0))\nexcept RuntimeError as error:\n    print(error)"
        ),
        "one loop for all cells": shows("loop = asyncio.get_running_loop()", "asyncio.get_running_loop() is loop"),
        "async for and async with": shows(
            "class A:\n    async def __aenter__(self): return 1\n    async def __aexit__(self, *e): print('left')\nasync def gen():\n    yield 1\n    yield 2\nasync with A():\n    async for n in gen(): print(n)\n[n async for n in gen()]"
        ),
        "a task over cells": shows(
            "queue = asyncio.Queue()\nasync def work():\n    for n in range(3): await queue.put(n)",
            "task = asyncio.create_task(work())",
            "[await queue.get() for _ in range(3)]",
        ),
        "gather": shows(
            "async def f(n):\n    await asyncio.sleep(0.001 * n)\n    return n\nawait asyncio.gather(*map(f, range(5)))"
        ),
        "to_thread": shows("await asyncio.to_thread(lambda: 'from a thread')"),
        "a subprocess of asyncio": shows(
            "p = await asyncio.create_subprocess_exec('echo', 'async child', stdout=asyncio.subprocess.PIPE)\n(await p.communicate())[0]"
        ),
        "a task that prints in its cell": shows(
            "async def say():\n    print('in a task')\nawait asyncio.create_task(say())"
        ),
        "a context variable over cells": shows(
            "import contextvars\nv = contextvars.ContextVar('v'); t = v.set(5)", "v.get()"
        ),
        "a coroutine that nobody awaits": shows("async def never(): pass\nc = never(); c.close()"),
        "an exception in a task": shows(
            "async def bad(): raise ValueError('in a task')\nt = asyncio.create_task(bad())\nawait asyncio.wait([t])\ntype(t.exception()).__name__"
        ),
        "a thread that prints": shows(
            "import threading\nt = threading.Thread(target=print, args=('threaded',)); t.start(); t.join()"
        ),
        "many threads that print": shows(
            "ts = [threading.Thread(target=print, args=(f't{n}\\n',), kwargs={'end': ''}) for n in range(20)]\nfor t in ts: t.start()\nfor t in ts: t.join()",
            racing="threads run as they like",
        ),
        "a thread that displays": shows("t = threading.Thread(target=display, args=('shown',)); t.start(); t.join()"),
        "a pool of threads": shows(
            "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool: print(list(pool.map(lambda n: n * n, range(5))))"
        ),
        "the main thread": shows("threading.current_thread() is threading.main_thread()"),
        "multiprocessing by fork": shows(
            "import multiprocessing as m\nfork = m.get_context('fork')\np = fork.Process(target=print, args=('forked',), kwargs={'flush': True}); p.start(); p.join(); p.exitcode",
            racing=PIPE,
        ),
        "a queue of processes": shows(
            "q = fork.SimpleQueue()\np = fork.Process(target=q.put, args=({'a': 1},)); p.start(); p.join()\nq.get()"
        ),
        "a pool of processes": shows(
            "def square(n): return n * n\nwith fork.Pool(2) as pool: print(pool.map(square, range(5)))"
        ),
        "spawn of a module's function": shows(
            "open('spawned.py', 'w').write('def f(q): q.put(7)\\n')\nimport spawned\nspawn = m.get_context('spawn')\nq = spawn.SimpleQueue()\np = spawn.Process(target=spawned.f, args=(q,)); p.start(); p.join()\nq.get()"
        ),
        "os.fork": shows(
            "import os\npid = os.fork()\nif pid == 0: os._exit(7)\nos.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])"
        ),
        "pickle of a notebook's class": shows("import pickle\nclass K: n = 3", "pickle.loads(pickle.dumps(K())).n"),
        "signal handlers": shows(
            "import signal\nhits = []\nold = signal.signal(signal.SIGUSR1, lambda n, f: hits.append(n))\nos.kill(os.getpid(), signal.SIGUSR1)\nold = signal.signal(signal.SIGUSR1, old)\nhits == [signal.SIGUSR1]"
        ),
        "an alarm": shows(
            "def ring(n, f): raise TimeoutError('rang')\nold = signal.signal(signal.SIGALRM, ring)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\ntry:\n    import time; time.sleep(5)\nexcept TimeoutError as e:\n    print(e)\nold = signal.signal(signal.SIGALRM, old)"
        ),
        "the garbage collector": shows(
            "import gc, weakref\nclass N: pass\nn = N(); r = weakref.ref(n); del n; c = gc.collect()\nr() is None"
        ),
        "random is not fixed": shows(
            "import random, uuid\nrandom.random() != random.random(), uuid.uuid4() != uuid.uuid4()"
        ),
        "recursion limit": shows("import sys\nsys.getrecursionlimit()"),
        "sleep": shows("import time\nt = time.monotonic(); time.sleep(0.02); time.monotonic() - t >= 0.02"),
        "a file that is left open": shows("f = open('left.txt', 'w'); n = f.write('x'); f.name"),
        "dataclasses and typing": shows(
            "from dataclasses import dataclass\n@dataclass\nclass D:\n    a: int\n    b: list[int]\nD(1, [2])"
        ),
        "a module's __main__": shows("import __main__\n__main__.D is D, __main__.__dict__ is globals()"),
        "inspect.getsource": shows("import inspect\ndef src(): return 'here'\nprint(inspect.getsource(src))"),
        "linecache of a cell": shows("import linecache\nlinecache.getline(src.__code__.co_filename, 2)"),
        "large outputs": shows(
            "print('y' * 300_000)", "for n in range(30): display({'text/plain': 'z' * 10_000}, raw=True)"
        ),
        "ten thousand lines": shows("for n in range(10_000): print('line', n)"),
        "a process that is left running": shows(
            "import subprocess\nleft = subprocess.Popen(['sleep', '30'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\nleft.kill(); left.wait() < 0"
        ),
        "a thread that is left running": shows(
            "event = threading.Event()\nt = threading.Thread(target=event.wait, args=(0.2,), daemon=True); t.start()"
        ),
        "atexit": shows("import atexit\nr = atexit.register(lambda: open('left-at-exit.txt', 'w').close())"),
    },
)
