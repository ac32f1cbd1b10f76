"""SQLite as a database engine whose writers take turns."""
