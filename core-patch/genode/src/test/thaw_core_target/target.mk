TARGET = test-thaw_core_target
SRC_CC = main.cc
LIBS   = base
