"""Sessions from before version 0.2 name this place; gone in 0.3."""

from retail.login.backend import PeopleBackend

__all__ = ["PeopleBackend"]
