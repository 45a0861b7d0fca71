"""What gunicorn serves: the site, behind an event loop that waits for every socket in its place."""

from .gateway import Gateway
from .wsgi import application as site

application = Gateway(site)
