"""The photo generator: walls of brick and stone, their damages, light and weather, and what a scraped batch brings.

The version of a drawn batch is committed as a hash, so equal seeds must give equal bytes on every x86-64 machine.
Hence whole numbers only: floating-point results of vector units and maths libraries differ between processors, and
NumPy promises no fixed stream for its random distributions. Lengths are in 1/256 pixel, weights in 1/256, colours
in 0 to 4095.
"""
