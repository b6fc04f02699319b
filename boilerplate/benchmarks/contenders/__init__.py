"""The same page, a counter of its visits, as users of other frameworks would write it.

Each reads DATABASE_URL and POOL_SIZE. They have packages of their own, which bench
installs; with FREEZE=1 they call `gc.freeze`, as our application does.
"""
