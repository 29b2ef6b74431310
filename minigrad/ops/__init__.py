"""The ops, one family a file: each op stands with its rule and its sample inputs side by side."""
