"""The whole chain for a person: stride demo and stride run."""
