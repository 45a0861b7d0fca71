"""People: signing up and in, what each may upload, exporting and deleting an account.

The lowest app: it imports no other app. What other apps keep of a person they register here, for the export
(`services.exporting.exports`) and for the deletion (`services.account_deletion.before_deletion`).
"""
