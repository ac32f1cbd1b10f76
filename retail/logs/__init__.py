"""One line for each request and event, without what nobody may read there."""
