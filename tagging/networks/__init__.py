"""The networks, what is known of each, and predicting songs with them."""
