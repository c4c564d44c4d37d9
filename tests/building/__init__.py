"""The build of the book: what runs, what is written, and where links lead."""
