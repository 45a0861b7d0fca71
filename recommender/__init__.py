"""The recommender: engine, snapshots, evaluation, services, pages, API and admin."""
