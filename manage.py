#!/usr/bin/env python
"""DCMRS's command line: `manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcmrs_site.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import DatabaseError
    except ImportError:
        sys.exit("Django is not installed in this Python: run bin/demo once, then .venv/bin/python manage.py")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except (DatabaseError, OSError, MemoryError) as error:
        from dcmrs_site.trouble import trouble_of

        if (trouble := trouble_of(error)) is not None:
            sys.exit(f"{str(error).strip() or 'out of memory'}: {trouble.advice}.")
        if not isinstance(error, DatabaseError):
            raise
        from dcmrs_site.startup import migrations_missing

        if not migrations_missing():
            raise
        sys.exit("The database is not set up, or not up to date: run manage.py migrate first.")
    except KeyboardInterrupt:
        # As shells say of whom Ctrl-C has ended.
        print("interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
