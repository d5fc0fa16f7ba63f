"""Questions answered in real time, resumed after a dropped connection, heard on every instance."""
