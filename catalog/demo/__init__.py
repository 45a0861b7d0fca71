"""The demo library: its tracks (`programme`), its folder (`rendering`) and simulated people (`listeners`).

No Django in here; `catalog.services.demo` brings it into an installation. The music is made by `composer`.
"""
