"""Files of older installations. They are read in a process of its own, and nothing in them is ever run."""
