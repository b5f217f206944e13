"""Does it hold: scripted attacks on the whole service with a model that obeys whoever it can read."""
