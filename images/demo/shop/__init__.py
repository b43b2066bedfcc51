"""The shop of Heddle's demo: `web` sells, `api` knows the goods, `payment` takes the money, `load` plays the customers.

Standard library only. It knows nothing of the mesh: it calls `http://api` in plain HTTP; the rest is done around it.
"""
