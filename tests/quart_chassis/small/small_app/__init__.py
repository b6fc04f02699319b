"""The small application of the chassis' tests: it keeps notes."""
