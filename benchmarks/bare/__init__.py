"""Y: a Django project of its own, with nothing to do and none of our middleware, behind the same server."""
