TARGET = test-thaw_maps
SRC_CC = main.cc
LIBS   = base
