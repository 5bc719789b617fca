TARGET = test-thaw_core
SRC_CC = main.cc
LIBS   = base
