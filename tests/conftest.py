"""What pytest leaves alone."""

# A locust file, run by locust: importing it would patch the sockets of the whole test run.
collect_ignore = ["load_test.py"]
