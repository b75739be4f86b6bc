"""What is asked of the server. Nothing here needs pandas: it is loaded while the server works."""
