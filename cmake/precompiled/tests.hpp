#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rooms.hpp"
