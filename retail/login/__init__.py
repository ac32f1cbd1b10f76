"""Who somebody is: passwords, WeChat, tokens, and the locks against guessing.

A token lasts twelve hours (``REST_KNOX``) and ends before by logging out or with its password (``User.save``). A buyer's session lasts 30
days; one of the back office 4 hours without a click, 14 hours at most (``STAFF_SESSION_…``, ``retail.backoffice.site``).
"""
