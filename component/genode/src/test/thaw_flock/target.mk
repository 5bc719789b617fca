TARGET = test-thaw_flock
SRC_CC = main.cc
LIBS   = base
