"""What gunicorn serves: the site, behind an event loop that waits for every socket in its place.

Gunicorn loads this once (`--preload`) and forks its processes, which share what is in memory by then. So the code of
all pages is loaded here, not with the first request of each process, and the garbage collector is told to pass over it:
looking at an object writes into its memory, which would no longer be shared.
"""

import gc

from django.urls import get_resolver

from .gateway import Gateway
from .wsgi import application as site

application = Gateway(site)

_patterns = get_resolver().url_patterns
gc.collect()
gc.freeze()
