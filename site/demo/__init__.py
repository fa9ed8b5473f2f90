"""The demo project: settings and entry points of a small shop that uses ``rules_engine``."""
