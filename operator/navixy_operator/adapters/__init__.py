"""One module or package for each outside system; none knows another, and only ``bootstrap`` knows them."""
