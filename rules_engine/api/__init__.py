"""The REST API: rules, their dry runs and versions, the history, the catalogues.

A host mounts it with ``path("rules-api/", include("rules_engine.api.urls"))``. It brings its own parsers, renderers,
permissions, pagination and error format, so the host's ``REST_FRAMEWORK`` settings neither break nor open it. The
host's authentication and throttling stay in force.
"""
