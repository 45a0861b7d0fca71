"""Songs get labels from networks that listen to them."""
