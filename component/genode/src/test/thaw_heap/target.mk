TARGET = test-thaw_heap
SRC_CC = main.cc
LIBS   = base
