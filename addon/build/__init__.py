"""Building a head's objects from arrays: nothing here waits, asks the backend or reads a file."""
