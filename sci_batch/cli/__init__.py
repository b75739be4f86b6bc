"""The command line: flags to settings, settings to the pipeline, results to exit codes.

Nothing here imports pandas, pyarrow or requests before a command needs them: `--help` is instant.
"""
