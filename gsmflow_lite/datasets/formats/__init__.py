"""File formats: each file here reads one format, and trusts no file.

No reader unpickles anything, follows a link into another file, or takes memory before it has
checked that the file can hold what it claims.

- ``limits``: how much a compressed file is believed to hold; one clear error for a broken file
- ``npy``: one array in an ``.npy`` file
- ``npz``: several arrays in an ``.npz`` file
- ``hdf5``: arrays in an HDF5 file
- ``sandbox``: a separate process that tries an HDF5 file first
- ``mat``: a ``.mat`` file of any MATLAB version from 5 on
- ``mat5``: a ``.mat`` file of MATLAB 5 to 7.2
- ``mat73``: a ``.mat`` file of MATLAB 7.3, which is HDF5
- ``matrices``: a matrix that stays in its ``.npy`` or HDF5 file, read some rows at a time
"""
