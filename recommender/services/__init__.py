"""Where the engine meets the database: one module for each thing that pages, API and commands ask for."""
