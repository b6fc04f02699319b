"""What `startapp` writes and `dropapp` takes out."""
