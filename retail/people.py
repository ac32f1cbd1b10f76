"""Sessions that began before version 0.1.0 name this place; gone in 0.2."""

from retail.login.backend import PeopleBackend

__all__ = ["PeopleBackend"]
