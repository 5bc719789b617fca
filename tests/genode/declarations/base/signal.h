/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_SIGNAL_H
#define THAW_DECLARED_BASE_SIGNAL_H

#include <base/capability.h>

namespace Genode {

	struct Entrypoint;
	struct Signal_context;
	struct Signal_source;

	using Signal_context_capability = Capability<Signal_context>;

	struct Signal_transmitter
	{
		Signal_transmitter(Signal_context_capability = { });
		void submit(unsigned = 1);
	};

	struct Signal_context : Noncopyable { };

	struct Signal;

	struct Signal_receiver : Noncopyable
	{
		Signal_context_capability manage(Signal_context &);
		void                      dissolve(Signal_context &);
		Signal                    wait_for_signal();
	};

	struct Signal { };

	template <typename T, typename EP = Entrypoint>
	struct Signal_handler : Noncopyable
	{
		Signal_handler(EP &, T &, void (T::*)());
		operator Capability<Signal_context>() const;
		void local_submit();
	};
}

#endif
