"""A small shop: the demo's host application. It knows nothing of rules but ``rules.py`` and the panel."""
