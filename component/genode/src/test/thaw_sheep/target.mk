TARGET = test-thaw_sheep
SRC_CC = main.cc
LIBS   = base
