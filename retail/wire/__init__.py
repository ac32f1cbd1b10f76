"""The wire rules of the HTTP API (``docs/api.md``): envelope, refusals, parsing, paging, masking."""
