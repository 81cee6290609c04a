"""Pictures, pages, tables: what a person looks at."""
