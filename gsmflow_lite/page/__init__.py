"""A page that computes: the explorer in one file, which imagines while a slider moves.

- ``export``: writes the page, and says what it weighs
- ``world``: what a page holds of a data set and its flows
- ``models``: flows of one's own, checked; ``flows``: the weights of a flow
- ``meter_data``: what its meters read; ``pictures``: how it makes pictures
- ``small``: numbers in half precision; ``packing``: many arrays in one small blob
- ``modules``: its scripts, put one after the other
"""
