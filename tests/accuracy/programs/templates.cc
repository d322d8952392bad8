// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct Step {
        std::map<int, std::string> names;
        std::regex expression{"a+"};
        std::vector<std::string> sorted;
        int go(int x)
        {
                names[x] = std::to_string(x + N);
                std::sort(sorted.begin(), sorted.end());
                return Step<N - 1>().go(x) + int(names.size());
        }
};
template <> struct Step<0> {
        int go(int x)
        {
                return x;
        }
};

int main()
{
        std::variant<int, std::string> value = 3;
        std::cout << Step<600>().go(7) << std::get<int>(value);
}
